// The login: name and password become a cookie that no script reads. Afterwards back to where the page was left, which
// stands behind the # and so is never another site.
import "./core/theme.js";

const CHINESE = {
  log_in: "登入", name: "名稱", password: "密碼", first: "第一位管理員", token: "權杖", make: "建立帳號",
  new_password: "密碼（至少 12 個字元）", where: "尚無管理員時，伺服器的終端機會顯示一個只能使用一次的權杖。",
  silent: "伺服器沒有回應。", bad_credentials: "名稱、密碼或權杖不正確。", locked_out: "錯誤次數過多，請稍後再試。",
  weak_password: "密碼太短、太長或與名稱相同。", set_up_already: "已有管理員帳號，或權杖已使用過。請直接登入。", account_exists: "已有相同名稱的帳號。", account_disabled: "此帳號已停用。",
  rate_limited: "請求過多，請稍候一分鐘再試。", passwords_busy: "伺服器忙碌中，請稍後再試。",
};
const chosen = () => {
  try {
    return localStorage.getItem("language");
  } catch {
    return null;
  }
};
const speaksChinese = (chosen() ?? navigator.language).toLowerCase().startsWith("zh");
const text = (word, english) => (speaksChinese && CHINESE[word]) || english;

if (speaksChinese) {
  document.documentElement.lang = "zh-Hant";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text, element.textContent);
  }
}

async function send(path, body) {
  const headers = { "content-type": "application/json" };
  let answer;
  try {
    answer = await fetch(new URL(`api/v1${path}`, document.baseURI), { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    return text("silent", "The server does not answer.");
  }
  if (answer.ok) return null;
  const problem = await answer.json().catch(() => null);
  return text(problem?.code, null) ?? refusal(problem?.code, problem?.detail ?? `The server answered ${answer.status}.`);
}

/** What else is refused, in 繁體中文 where that is spoken and its texts can be read; then what the server says of it. */
async function refusal(code, detail) {
  const texts = speaksChinese ? await import("./lang/zh-Hant.refusals.js").catch(() => null) : null;
  const meaning = texts?.default[code]?.join("");
  return meaning ? `${meaning} ${detail}` : detail;
}

/** Sends a form as it stands; what is wrong is said below it. */
function on(id, act) {
  const form = document.getElementById(id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [button, said] = [form.querySelector("button"), form.querySelector(".said")];
    button.disabled = true;
    const wrong = await act(Object.fromEntries(new FormData(form)));
    button.disabled = false;
    if (wrong === null) location.replace(`./${location.hash}`);
    said.textContent = wrong ?? "";
    said.classList.toggle("problem", wrong !== null);
  });
}

on("login", (given) => send("/login", given));
on("setup", async ({ token, name, password }) =>
  (await send("/setup", { token, name, password })) ?? send("/login", { name, password }));
