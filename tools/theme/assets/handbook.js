/* 从磁盘打开时浏览器不许起 Worker，Material 的搜索用不了：连同按钮一并撤下，免得点了没有反应。 */
if (location.protocol === "file:") {
  document.querySelectorAll('[data-md-component="search"], [for="__search"]').forEach((e) => e.remove());
}
