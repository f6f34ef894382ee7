// An opened row: the answers to one item side by side, and what each judge said of them.

const SIDES = 6;

function alike(row) {
  const found = [row];
  for (let other = 0; other < size; other += 1) {
    if (other !== row && rows.item[other] === rows.item[row]) found.push(other);
  }
  const key = (at) => rows.run[at] * 1e6 + rows.control[at] * 1e3 + rows.sample[at];
  return [row, ...found.slice(1).sort((a, b) => key(a) - key(b))];
}

async function open(row, body) {
  const shared = await unpacked("shared");
  const item = shared.items[rows.item[row]];
  const facts = item.facts.length ? ` — ${item.facts.join("; ")}` : "";
  body.append(make("p", { class: "facts" }, summary.personas[rows.persona[row]] + facts));
  const sides = make("div", { class: "sides", tabindex: "0", role: "group", "aria-label": "Answers side by side" });
  body.append(sides);
  const found = alike(row);
  for (const each of found.slice(0, SIDES)) sides.append(await side(each, each === row, shared));
  if (found.length > SIDES) {
    const more = make("button", { type: "button" }, `Show ${found.length - SIDES} more answers`);
    more.addEventListener("click", async () => {
      more.remove();
      for (const each of found.slice(SIDES)) sides.append(await side(each, false, shared));
    });
    body.append(more);
  }
}

function named(row) {
  const parts = [];
  if (summary.names.run.length > 1) parts.push(summary.names.run[rows.run[row]]);
  const control = summary.names.control[rows.control[row]];
  if (control !== "none") parts.push(control);
  parts.push(`sample ${rows.sample[row] + 1}`);
  return parts.join(", ");
}

async function side(row, isChosen, shared) {
  const one = await transcript(row);
  const box = make("article", { class: isChosen ? "side chosen" : "side" });
  box.append(make("h3", {}, make("span", {}, named(row)), make("span", {}, figure(rows.score[row]))));
  if (rows.failure[row] >= 0) {
    const failure = summary.names.failure[rows.failure[row]];
    box.append(make("p", {}, make("span", { class: "tag bad" }, failure), one.detail));
  }
  const prompt = shared.systems[one.system];
  if (prompt) {
    box.append(make("details", {}, make("summary", {}, "System prompt"), make("div", { class: "message" }, prompt)));
  }
  const turns = one.messages.filter(([role]) => role === "assistant").length;
  let turn = 0;
  for (const [role, content] of one.messages) {
    box.append(make("div", { class: `message ${role}` }, make("span", { class: "role" }, role), content));
    if (role !== "assistant") continue;
    const here = one.verdicts.filter((verdict) => verdict.turn === turn);
    if (here.length) box.append(turns > 1 ? folded(here) : verdictBoxes(here));
    turn += 1;
  }
  if (one.user) {
    box.append(make("p", {}, make("span", { class: "tag bad" }, "the user's model failed"), one.user));
  }
  if (!one.verdicts.length) box.append(make("p", { class: "note" }, "Nobody judged it."));
  box.append(verdictBoxes(one.verdicts.filter(({ turn: of }) => of === null || of >= turns)));
  box.append(make("p", { class: "note" }, one.id));
  return box;
}

function verdictBoxes(verdicts) {
  return make("div", {}, ...verdicts.map(verdictBox));
}

// The verdicts on one answer of many, as a line that opens.
function folded(verdicts) {
  const values = new Map();
  for (const { criterion, value } of verdicts) {
    if (value !== null) values.set(criterion, [...(values.get(criterion) ?? []), value]);
  }
  const means = [...values].map(([criterion, found]) => {
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    return `${summary.parts[criterion]} ${figure(mean)}`;
  });
  const head = make("summary", { class: "note" }, means.join(", ") || "no score");
  return make("details", {}, head, verdictBoxes(verdicts));
}

function verdictBox(verdict) {
  const turn = verdict.turn === null ? "" : `, turn ${verdict.turn + 1}`;
  const repeat = verdict.repeat ? `, repeat ${verdict.repeat + 1}` : "";
  const value = verdict.value === null ? `no score: ${verdict.unscored}` : figure(verdict.value);
  const box = make("div", { class: "verdict" });
  const head = make("div", { class: "head" });
  head.append(make("span", {}, `${summary.parts[verdict.criterion]}${turn}${repeat}`));
  head.append(make("strong", {}, value));
  box.append(head, make("div", { class: "note" }, summary.judges[verdict.judge]));
  if (verdict.probabilities.length) box.append(distribution(verdict));
  if (verdict.rationale) {
    const rationale = make("div", { class: "rationale" }, verdict.rationale);
    box.append(make("details", {}, make("summary", {}, "Rationale"), rationale));
  }
  return box;
}

function distribution(verdict) {
  const labels = summary.labels[verdict.labels];
  const told = labels.map((label, at) => `${label}: ${(100 * verdict.probabilities[at]).toFixed(0)} %`).join(", ");
  const box = make("div", { class: "labels", role: "img", "aria-label": `Probabilities: ${told}`, title: told });
  labels.forEach((label, at) => {
    const bar = make("span", { class: "fill" });
    bar.style.height = `${Math.max(0, Math.min(1, verdict.probabilities[at])) * 2}rem`;
    box.append(make("span", { class: "label", "aria-hidden": "true" }, bar, label));
  });
  return box;
}

function start() {
  document.getElementById("transcripts").hidden = size === 0;
  prepare();
  recall();
  let pause = 0;
  const soon = (event) => {
    clearTimeout(pause);
    pause = setTimeout(apply, event.target.name === "text" ? 250 : 0);
  };
  // A choice is a change; a field that is only left is one too, and must not redraw the list.
  form.addEventListener("input", (event) => event.target.matches("input") && soon(event));
  form.addEventListener("change", (event) => event.target.matches("select") && soon(event));
  form.addEventListener("reset", () => setTimeout(apply, 0));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  apply();
}

start();
