"use strict";
// Everything that comes from outside is put in as text, never as markup.

const NAMES = {
  ALLOW: "allowed",
  SANITIZE: "redacted",
  REQUIRE_APPROVAL: "held for approval",
  DENY: "denied",
  FAULT: "not judged: blocked",
  LET_THROUGH: "not judged: let through",
};
const SHOWN = 100;

const rows = document.querySelector("#calls tbody");

function element(name, text, classes) {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function showCounts(counts) {
  const cards = Object.entries(NAMES).map(([decision, name]) => {
    const card = document.createElement("div");
    card.append(element("dt", name, decision), element("dd", String(counts[decision] || 0)));
    return card;
  });
  document.getElementById("counts").replaceChildren(...cards);
}

function row(call) {
  const made = document.createElement("tr");
  const time = element("time", new Date(call.at).toLocaleTimeString());
  time.dateTime = call.at;
  const when = document.createElement("td");
  when.append(time);

  const decision = element("td", NAMES[call.decision] || call.decision, "decision " + call.decision);
  if (call.would_be && call.would_be !== call.decision) {
    decision.append(element("span", "would be " + (NAMES[call.would_be] || call.would_be), "faint"));
  }
  const what = element("td", call.method + " " + call.host);
  if (call.action) what.append(element("span", call.action, "faint"));
  const why = element("td", call.reasons.join(", ") || "–");
  if (call.trace_id) why.append(element("span", "trace " + call.trace_id, "faint"));
  if (call.approval_url && /^https?:\/\//.test(call.approval_url)) {
    const link = element("a", "decide");
    link.href = call.approval_url;
    link.rel = "noreferrer";
    why.append(link);
  }
  made.append(when, decision, what, why, element("td", String(call.status), "number"), element("td", String(call.elapsed_ms), "number"));
  return made;
}

function showCalls(calls) {
  for (const call of calls) rows.prepend(row(call));
  while (rows.rows.length > SHOWN) rows.deleteRow(-1);
  document.getElementById("calls").hidden = rows.rows.length === 0;
  document.getElementById("empty").hidden = rows.rows.length > 0;
}

function state(text, kind) {
  const shown = document.getElementById("state");
  if (shown.textContent !== text) shown.textContent = text;
  shown.className = kind;
}

document.getElementById("example").textContent = "HTTP_PROXY=" + location.origin;
showCounts({});
const events = new EventSource("/events");
events.addEventListener("about", (event) => {
  const about = JSON.parse(event.data);
  const mode = about.mode === "enforce" ? "enforcing" : "only watching";
  const https = about.inspects ? "HTTPS is looked into" : "HTTPS tunnels are judged by host and port";
  document.getElementById("about").textContent = [mode, about.judge, https].join(" · ");
  rows.replaceChildren();
  state("live", "live");
});
events.onmessage = (event) => {
  const news = JSON.parse(event.data);
  showCounts(news.counts);
  showCalls(news.calls);
};
events.onerror = () => state("connection lost; trying again", "lost");
