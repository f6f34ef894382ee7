"use strict";

// The list: filters, order, pages. Texts stay compressed until a row is opened or searched.

const PAGE = 25;
const summary = JSON.parse(document.getElementById("summary").textContent);
const rows = summary.rows;
const size = rows.item.length;
const form = document.getElementById("filters");
const FACETS = ["run", "task", "domain", "control", "failure"];
const ORDERS = {
  worst: "worst first",
  best: "best first",
  judges: "judges disagree most",
  answers: "answers differ most",
};
const usual = {}; // what filters are set to at first, and by clearing
const state = { found: [], page: 0, turn: 0 };

function make(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function figure(value) {
  return value === null || value === undefined ? "–" : value.toFixed(2);
}

const read = new Map();

async function unpacked(name) {
  if (!read.has(name)) {
    const text = document.getElementById(name).textContent.trim();
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    read.set(name, JSON.parse(await new Response(stream).text()));
  }
  return read.get(name);
}

function told(error) {
  return `This browser cannot unpack the transcripts (${error.message}); one of 2023 or later can.`;
}

async function transcript(row) {
  const chunk = await unpacked(`chunk-${Math.floor(row / summary.chunk)}`);
  return chunk[row % summary.chunk];
}

let texts = null;

async function searchable() {
  if (texts) return texts;
  const found = new Array(size);
  for (let row = 0; row < size; row += 1) {
    const one = await transcript(row);
    const said = one.messages.map((message) => message[1]);
    const reasons = one.verdicts.map((verdict) => verdict.rationale || "");
    const persona = summary.personas[rows.persona[row]];
    found[row] = [persona, one.id, ...said, ...reasons].join("\n").toLowerCase();
  }
  texts = found;
  return texts;
}

function fill(select, options, all) {
  if (all) select.append(make("option", { value: "" }, all));
  for (const [value, name] of options) select.append(make("option", { value }, name));
}

function prepare() {
  for (const facet of FACETS) {
    const used = new Set(rows[facet]);
    const names = summary.names[facet].map((name, at) => [at, name]);
    const options = names.filter(([at]) => used.has(at));
    if (facet === "failure" && used.has(-1)) options.unshift([-1, "none"]);
    fill(form.elements[facet], options, "all");
    form.querySelector(`[data-facet=${facet}]`).hidden = options.length < 2;
  }
  usual.order = summary.orders[0];
  const plain = summary.names.control.indexOf("none");
  if (plain >= 0 && summary.names.control.length > 1) {
    // Answers with a control are there to be held against the others, not to be the worst.
    usual.control = String(plain);
    form.elements.control.querySelector(`[value="${plain}"]`).defaultSelected = true;
  }
  const criteria = summary.criteria.map((name, at) => [at, name]);
  fill(form.elements.criterion, criteria, "the headline");
  fill(form.elements.order, summary.orders.map((order) => [order, ORDERS[order]]), null);
}

function scoreOf(criterion) {
  return criterion === "" ? rows.score : summary.values[Number(criterion)];
}

function goodness(criterion, scores) {
  const isFault = criterion === "" ? summary.less_is_better : summary.faults.includes(Number(criterion));
  return isFault ? scores.map((score) => (score === null ? null : -score)) : scores;
}

function bounded(value, asked) {
  const least = asked.least === "" ? -Infinity : Number(asked.least);
  const most = asked.most === "" ? Infinity : Number(asked.most);
  if (least === -Infinity && most === Infinity) return true;
  return value !== null && value >= least && value <= most;
}

function answers() {
  return Object.fromEntries(new FormData(form).entries());
}

async function apply() {
  const turn = (state.turn += 1);
  const asked = answers();
  const words = asked.text.trim().toLowerCase();
  if (words && !texts) document.getElementById("count").textContent = "Searching …";
  let said = null;
  try {
    said = words ? await searchable() : null;
  } catch (error) {
    document.getElementById("count").textContent = told(error);
    return;
  }
  if (turn !== state.turn) return; // a later filter has overtaken this one
  const facets = FACETS.filter((facet) => asked[facet] !== "");
  const scores = scoreOf(asked.criterion);
  const found = [];
  for (let row = 0; row < size; row += 1) {
    if (facets.some((facet) => rows[facet][row] !== Number(asked[facet]))) continue;
    if (asked.criterion !== "" && scores[row] === null) continue;
    if (!bounded(scores[row], asked)) continue;
    if (said && !said[row].includes(words)) continue;
    found.push(row);
  }
  state.found = ordered(found, asked.order, goodness(asked.criterion, scores));
  state.page = 0;
  remember(asked);
  show();
}

function ordered(found, order, scores) {
  const keys = {
    worst: scores,
    best: scores.map((score) => (score === null ? null : -score)),
    judges: rows.disagreement.map((spread) => (spread === null ? null : -spread)),
    answers: rows.spread.map((spread) => (spread === null ? null : -spread)),
  }[order];
  const last = (value) => (value === null ? Infinity : value);
  return found.sort((a, b) => last(keys[a]) - last(keys[b]) || a - b);
}

function show() {
  const list = document.getElementById("list");
  const pages = Math.max(1, Math.ceil(state.found.length / PAGE));
  const start = state.page * PAGE;
  list.replaceChildren(...state.found.slice(start, start + PAGE).map(entry));
  const here = state.found.length
    ? `${(start + 1).toLocaleString("en")}–${Math.min(start + PAGE, state.found.length).toLocaleString("en")} of `
    : "";
  const cut = summary.left_out ? `; ${summary.left_out.toLocaleString("en")} more are not in this page` : "";
  const of = state.found.length === size ? "" : ` (of ${size.toLocaleString("en")})`;
  document.getElementById("count").textContent =
    `${here}${state.found.length.toLocaleString("en")} transcript${state.found.length === 1 ? "" : "s"}${of}${cut}`;
  const nav = document.getElementById("pages");
  nav.hidden = pages === 1;
  const back = make("button", { type: "button" }, "Previous");
  const next = make("button", { type: "button" }, "Next");
  back.disabled = state.page === 0;
  next.disabled = state.page === pages - 1;
  back.addEventListener("click", () => turnTo(state.page - 1));
  next.addEventListener("click", () => turnTo(state.page + 1));
  nav.replaceChildren(back, make("span", {}, `Page ${state.page + 1} of ${pages}`), next);
}

function turnTo(page) {
  state.page = page;
  show();
  document.getElementById("filters").scrollIntoView({ block: "start" });
  document.querySelector("#list > li > details > summary")?.focus({ preventScroll: true });
}

function tags(row) {
  const shown = FACETS.slice(0, 4)
    .filter((facet) => facet === "task" || summary.names[facet].length > 1)
    .map((facet) => make("span", { class: "tag" }, summary.names[facet][rows[facet][row]]));
  if (rows.failure[row] >= 0) {
    shown.push(make("span", { class: "tag bad" }, summary.names.failure[rows.failure[row]]));
  }
  return shown;
}

function entry(row) {
  const head = make(
    "summary",
    {},
    make("span", { class: "score" }, figure(scoreOf(form.elements.criterion.value)[row])),
    make("span", { class: "asked" }, summary.questions[rows.question[row]]),
    make("span", { class: "excerpt" }, rows.excerpt[row] || "(no answer)"),
    make("span", { class: "what" }, ...tags(row), summary.personas[rows.persona[row]]),
  );
  const details = make("details", {}, head);
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) {
      const body = make("div", { class: "opened" });
      details.append(body);
      open(row, body).catch((error) => body.append(make("p", { class: "warning" }, told(error))));
    }
  });
  return make("li", {}, details);
}

function remember(asked) {
  const kept = Object.entries(asked).filter(([name, value]) => value !== (usual[name] ?? ""));
  const hash = new URLSearchParams(kept).toString();
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

function recall() {
  const kept = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of kept) {
    const field = form.elements[name];
    if (field && "value" in field) field.value = value;
  }
}
