
"use strict";
/* The board. Everything shown is a text node, or a number in a style: what people typed into tickets is never markup.
 * Nodes are made once a key and reused; what is kept of the world is bounded (facts.js). Parts, in this order: words, place,
 * facts, frame, now, experience, contracts, ticket, television, stream. */

/* ---- words: how lengths, instants and shares are said ---- */

const byId = id => document.getElementById(id);
const TEXT_MAX = 400;
const text = value => typeof value === "string" ? value.length > TEXT_MAX ? value.slice(0, TEXT_MAX) + "…" : value : "";
const number = value => typeof value === "number" && isFinite(value) ? value : null;
const instant = value => typeof value === "string" ? Date.parse(value) : NaN;
const object = value => value && typeof value === "object" && !Array.isArray(value) ? value : {};
const list = value => Array.isArray(value) ? value : [];
const two = n => String(n).padStart(2, "0");
const grouped = n => Number(n).toLocaleString("en-US").replace(/,/g, "\u202f");
const plural = (n, one, many) => grouped(n) + " " + (n === 1 ? one : many);

/* 42m 10s, 3h 05m, 2d 03h: two parts, never ambiguous. */
function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  if (s < 60) return s + "s";
  if (s < 3600) return Math.floor(s / 60) + "m " + two(s % 60) + "s";
  if (s < 86400) return Math.floor(s / 3600) + "h " + two(Math.floor(s / 60) % 60) + "m";
  return Math.floor(s / 86400) + "d " + two(Math.floor(s / 3600) % 24) + "h";
}
/* A target: 4h, 3d, 90m. */
function length(ms) {
  for (const [unit, size] of [["d", 864e5], ["h", 36e5], ["m", 6e4], ["s", 1e3]])
    if (ms >= size && ms % size === 0) return ms / size + unit;
  return span(ms);
}
function clockTime(ms) {
  const at = new Date(ms), today = new Date(serverNow());
  const time = two(at.getHours()) + ":" + two(at.getMinutes());
  if (at.toDateString() === today.toDateString()) return time;
  const day = at.toLocaleDateString("en-GB", {weekday: "short"});
  return Math.abs(ms - today) < 6 * 864e5 ? day + " " + time : day + " " + dayOf(ms) + " " + time;
}
function dayOf(ms) {
  const at = new Date(ms), year = at.getFullYear() === new Date(serverNow()).getFullYear() ? "" : " " + at.getFullYear();
  return at.getDate() + " " + at.toLocaleDateString("en-GB", {month: "short"}) + year;
}
function ago(ms) {
  const age = Math.max(0, serverNow() - ms);
  return age < 2000 ? "just now" : span(age) + " ago";
}
const signed = (value, digits) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
const points = value => signed(Math.round(value) === 0 ? 0 : value, 0);
/* 95%, 94.2%: a share never looks like a round target that it misses. */
function percent(value) {
  const tenths = (value >= 1 ? 1000 : Math.min(999, Math.round(value * 1000))) / 10;
  return (Number.isInteger(tenths) && Math.abs(value * 100 - tenths) < 1e-9 ? tenths : tenths.toFixed(1)) + "%";
}
function minorDigits(currency) {
  try { return new Intl.NumberFormat("en", {style: "currency", currency}).resolvedOptions().maximumFractionDigits; } catch { return 2; /* no known currency */ }
}
function money(minor, currency) {
  const digits = minorDigits(currency);
  const whole = grouped(Math.trunc(minor / 10 ** digits)), rest = String(minor % 10 ** digits).padStart(digits, "0");
  return whole + (digits && minor % 10 ** digits ? "." + rest : "") + "\u00a0" + currency;
}
const TURNS = {provider: "provider", supplier: "supplier", customer: "customer", customer_supplier: "customer’s supplier", nobody: "nobody"};
const turnWord = turn => TURNS[turn] || text(turn);
/* Every state has a shape and a word beside its colour. */
const SHAPES = {good: "●", warn: "◆", bad: "▲", rest: "○"};

/* ---- nodes ---- */

/* Characters that turn round the direction of what stands after them; they would reach beyond the text they came in. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/;
function say(node, words) {
  const shown = TURNING.test(words) ? words.replace(new RegExp(TURNING, "g"), "") : words;
  if (node.textContent !== shown) node.textContent = shown;
}
function show(node, yes) {
  if (node.hidden === !!yes) node.hidden = !yes;
}
function mark(node, name, yes) {
  if (node.classList.contains(name) !== !!yes) node.classList.toggle(name, !!yes);
}
function tint(node, state) {
  for (const name of ["good", "warn", "bad"]) mark(node, name, state === name);
}
function make(tag, name, parent, words) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (words !== undefined) node.textContent = words;
  if (parent) parent.append(node);
  return node;
}
/* "42m 10s" as digits and small units. */
function sayFigure(node, words) {
  if (node.said === words) return;
  node.said = words;
  const parts = words.match(/[a-z%]+|[^a-z%]+/g) || [];
  while (node.childNodes.length > parts.length) node.lastChild.remove();
  parts.forEach((part, i) => {
    const tag = /[a-z%]/.test(part) ? "SMALL" : "B", old = node.childNodes[i];
    if (old && old.nodeName === tag) { say(old, part); return; }
    const fresh = make(tag, "", null, part);
    if (old) old.replaceWith(fresh); else node.append(fresh);
  });
}
/* Children of a parent by key: made once, filled each time, removed when their key is gone. */
function keyed(parent, create) {
  const kept = new Map();
  return (items, keyOf, fill) => {
    const seen = new Set();
    let place = 0;
    for (const item of items) {
      const key = keyOf(item);
      if (seen.has(key)) continue;
      seen.add(key);
      let child = kept.get(key);
      if (!child) kept.set(key, child = create());
      fill(child, item);
      if (parent.children[place] !== child.node) parent.insertBefore(child.node, parent.children[place] || null);
      place++;
    }
    for (const [key, child] of kept) if (!seen.has(key)) { child.node.remove(); kept.delete(key); }
    return kept;
  };
}
