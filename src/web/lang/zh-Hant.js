// 頁面文字（繁體中文）。鍵與 `en.js` 相同，由測試比對。
export default {
  nav: {
    main: "主選單", sessions: "工作階段", models: "模型", setpoints: "設定點", ask: "查詢", system: "系統", api: "API", skip: "跳至內容",
    language: "語言", dark: "深色", light: "淺色", log_out: "登出",
  },
  part: {
    line: "第 {line} 行", column: "欄位 {column}", more: { one: "…還有 1 項", other: "…還有 {count} 項" }, again: "再試一次", request: "記錄編號：{id}",
    to_know: { one: "1 項注意事項", other: "{count} 項注意事項" }, waiting: "請稍候", pages: "分頁", previous: "上一頁", next: "下一頁", page_of: "第 {page} 頁，共 {pages} 頁",
    cancel: "取消", close: "關閉", save: "儲存", no_answer: "伺服器沒有回應。目前畫面會保留，並持續重試直到恢復。",
    copied: "已複製連結。", copy_link: "複製連結", save_picture: "儲存圖片", no_such_page: "沒有這個頁面。",
    renewed: "程式在此頁開啟後已更新。請重新載入以繼續；資料不會遺失。", reload: "重新載入",
  },
  status: { uploaded: "已上傳", parsed: "已解析", cleaned: "已清理", failed: "失敗", queued: "等待中", running: "進行中", completed: "完成", cancelled: "已取消" },
  tab: { verdict: "總覽", chart: "圖表", table: "表格", statistics: "統計", clean: "清理", model: "模型", findings: "異常", files: "檔案" },
  session: {
    describe: "名稱、場域、標籤與備註", name: "名稱", site: "場域", tags: "標籤", tags_hint: "以逗號分隔", notes: "備註", saved: "已儲存「{name}」。",
    deleted: "已刪除「{name}」。", undo: "復原", restored: "已恢復「{name}」。", restore: "恢復", edit: "編輯", delete: "刪除", version: "版本", newest: "最新版本",
    is_deleted: "此工作階段已刪除；恢復後才能檢視資料。", rows: { one: "1 列", other: "{count} 列" }, files_count: { one: "1 個檔案", other: "{count} 個檔案" },
    changed: "{when}更新", tabs: "工作階段檢視",
  },
  reason: {
    not_covered: "報表未涵蓋該時段", missing_cell: "該列沒有此感測點", empty: "空白儲存格", no_data: "報表標示 No Data", data_loss: "報表標示 Data Loss",
    time_error: "報表標示時間錯誤", unknown_marker: "報表自訂標記", spreadsheet_error: "試算表錯誤", not_finite: "非有限數值", unreadable: "無法讀取",
    unit_mismatch: "單位與感測點不符", no_sample: "區間內沒有取樣", as_parsed: "解析時即無數值", out_of_range: "已移除：數值不可能", spike: "已移除：突波",
    frozen: "已移除：數值停滯", not_derivable: "無法計算", bad_status: "原系統標示為無效讀值",
  },
  rule: {
    out_of_range: "數值不可能", spike: "突波", frozen: "數值停滯", counter: "累計值跳動", steady_state: "非穩態", heat_balance: "熱平衡不符", affinity: "不符泵浦／風車定律",
    equipment: "設備狀態互相矛盾", drift: "感測器漂移", offset: "感測器固定偏差", swap: "感測器對調", wrong_unit: "單位錯誤", time_shift: "時間偏移",
    overridden: "手動覆寫", alarm: "警報中", doubtful: "可疑", bad_status: "無效讀值", fault: "設備異常",
  },
  kind: { instantaneous: "讀值", counter: "累計值", interval_total: "區間量", status: "狀態", text: "文字" },
  problem: {
    no_answer: "伺服器沒有回應，因此沒有任何變更。請稍後再試。",
  },
};
