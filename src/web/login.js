// The login: name and password become a cookie that no script reads. Afterwards back to where the page was left, which
// stands behind the # and so is never another site.
const CHINESE = {
  log_in: "登入", name: "名稱", password: "密碼", first: "第一位管理員", token: "權杖", make: "建立帳號",
  new_password: "密碼（至少 12 個字元）", where: "尚無管理員時，伺服器的終端機會顯示一個只能使用一次的權杖。",
  silent: "伺服器沒有回應。", bad_credentials: "名稱、密碼或權杖不正確。", locked_out: "錯誤次數過多，請稍後再試。",
};
const speaksChinese = navigator.language.toLowerCase().startsWith("zh");
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
    answer = await fetch(`api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    return text("silent", "The server does not answer.");
  }
  if (answer.ok) return null;
  const problem = await answer.json().catch(() => null);
  return text(problem?.code, problem?.detail ?? `The server answered ${answer.status}.`);
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
