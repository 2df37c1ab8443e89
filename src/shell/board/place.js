
/* ---- place: what the address asks for ---- */

const FILTERS = ["customer", "service", "group", "contract"];
const VIEWS = ["now", "experience", "contracts", "ticket"];
const ROTATE_S = 20, FAR_M = 5, FAR_INCHES = 55;
let place = readPlace();

function readPlace() {
  const query = new URLSearchParams(location.search), positive = name => Math.max(0, Number(query.get(name)) || 0);
  const asked = (query.get("view") || "").split(",").filter(name => VIEWS.includes(name)), tv = query.get("tv") === "1";
  const filters = {};
  for (const name of FILTERS) filters[name] = query.getAll(name).filter(Boolean);
  const dist = positive("dist"), diag = positive("diag");
  return {
    tv, filters, filtered: FILTERS.some(name => filters[name].length > 0),
    view: asked[0] || (query.get("ticket") ? "ticket" : "now"),
    round: asked.length > 1 ? asked : VIEWS.slice(0, 3),
    rotate_ms: tv && (query.has("rotate") || asked.length > 1) ? Math.max(5, positive("rotate") || ROTATE_S) * 1000 : 0,
    dist: dist || (tv || diag ? FAR_M : 0), diag: diag || (tv || dist ? FAR_INCHES : 0),
    ticket: query.get("ticket") || "", window: query.get("window") || "", theme: query.get("theme"), keys: query.get("keys") !== "off",
  };
}
/* The address with these changes: null takes a name away, a list sets it several times. */
function address(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== null) query.append(name, one);
  }
  const words = query.toString();
  return location.pathname + (words ? "?" + words : "");
}
const viewAddress = (view, ticket) => address({view: view === "now" && !ticket ? null : view, ticket: ticket || null});
/* Whether what has these attributes is asked for. An attribute that it does not know is no reason to leave it out. */
const passes = (name, value) => place.filters[name].length === 0 || place.filters[name].includes(value);
const isWanted = thing => passes("customer", thing.customer) && passes("service", thing.service) && passes("group", thing.group);
function go(to) {
  history.pushState(null, "", to);
  arrive();
}
function arrive() {
  place = readPlace();
  wearTheme();
  layOut();
  tick(true);
}
const darkWanted = matchMedia("(prefers-color-scheme: dark)");
function wearTheme() {
  const theme = ["dark", "light"].includes(place.theme) ? place.theme : darkWanted.matches ? "dark" : "light";
  if (document.documentElement.dataset.theme !== theme) document.documentElement.dataset.theme = theme;
}
