/**
 * Builds elements. Everything the API says becomes text nodes and attributes, never markup, so no
 * product name or error message can run as code.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element.
 *
 *     el("a", { class: "button", href: "#/basket", onclick: close }, "Basket")
 *
 * Properties: functions (`onclick`) become listeners, `true` an empty attribute; what is `false`,
 * `null` or `undefined` is left out. Children: nodes, strings, and arrays of them, nested or not.
 */
export function el(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children);
}

/** Makes an element of an SVG drawing, as `el` makes one of the page. */
export function svg(tag, properties = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), properties, children);
}

function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/**
 * A drawing from illustrations.svg. It repeats what the text beside it says, so it is hidden from
 * screen readers.
 */
export function drawing(name, className) {
  const use = svg("use", { href: `illustrations.svg#${name}` });
  return svg("svg", { class: className, "aria-hidden": "true" }, use);
}

let hideToast;

/** Tells the shopper that something was done: shown for a while, and read out by screen readers. */
export function announce(message) {
  const toast = document.getElementById("toast");
  clearTimeout(hideToast);
  toast.textContent = message;
  toast.classList.add("shown");
  hideToast = setTimeout(hideAnnouncement, 5000);
}

/** Hides the message early, before it covers another page. */
export function hideAnnouncement() {
  document.getElementById("toast").classList.remove("shown");
}
