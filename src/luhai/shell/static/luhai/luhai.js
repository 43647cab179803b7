// The little that pages need beyond HTML: the menu on narrow screens, drop-downs that close, charts, and copying.
// Without it every page still works: menus stay open, each chart has its table, forms are sent whole.
"use strict";

document.documentElement.classList.add("js");

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens]");
  if (button) {
    const panel = document.getElementById(button.dataset.opens);
    const open = panel.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  }
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    if (!drop.contains(event.target)) drop.open = false;
  }
  const copier = event.target.closest("[data-copies]");
  if (copier) {
    navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies).textContent.trim()).then(() => {
      copier.querySelector("[data-label]").textContent = copier.dataset.done;
    });
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    drop.open = false;
    drop.querySelector("summary").focus();
  }
});

// A form may be sent once; its button says so until the answer is there.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A select with data-submits sends its form when changed (its button stays for those without a script).
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

// Charts: the options come from the server as JSON; only colours and letters are decided here.
function draw(root) {
  if (!window.echarts) return;
  for (const holder of root.querySelectorAll("[data-chart]")) {
    const options = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(name).trim();
    const chart = window.echarts.getInstanceByDom(holder) || window.echarts.init(holder, null, { renderer: "svg" });
    const axis = { axisLabel: { color: token("--ink-2") }, axisLine: { lineStyle: { color: token("--line-2") } }, splitLine: { lineStyle: { color: token("--line") } } };
    const dressed = (value) => (Array.isArray(value) ? value.map((v) => ({ ...axis, ...v })) : value && { ...axis, ...value });
    chart.setOption({
      animation: false,
      color: [1, 2, 3, 4, 5].map((n) => token("--chart-" + n)),
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: token("--ink"), fontSize: 13 },
      ...options,
      ...(options.xAxis && { xAxis: dressed(options.xAxis) }),
      ...(options.yAxis && { yAxis: dressed(options.yAxis) }),
      ...(options.legend && { legend: { textStyle: { color: token("--ink-2") }, ...options.legend } }),
    });
    new ResizeObserver(() => chart.resize()).observe(holder);
  }
}
document.addEventListener("DOMContentLoaded", () => draw(document));
document.addEventListener("htmx:afterSwap", (event) => draw(event.target));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(document));
