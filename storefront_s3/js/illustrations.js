/** Which drawing of illustrations.svg stands for a product: the first whose words its name has. */

const DRAWINGS = [
  ["stand", /stand|riser|\barm\b/],
  ["laptop", /laptop|notebook computer|ultrabook/],
  ["keyboard", /keyboard|keypad/],
  ["mousepad", /mouse ?(pad|mat)|desk ?(pad|mat)/],
  ["mouse", /mouse|trackball|trackpad/],
  ["monitor", /monitor|display|screen/],
  ["headphones", /head(phone|set)|ear(phone|bud)/],
  ["webcam", /webcam|camera/],
  ["microphone", /microphone|\bmic\b/],
  ["speaker", /speaker|soundbar/],
  ["hub", /hub|dock|adapter|switch|router/],
  ["cable", /cable|cord|\blead\b/],
  ["drive", /\bssd\b|drive|disk|storage/],
  ["charger", /charger|power|battery/],
  ["tablet", /tablet|e-?reader/],
  ["phone", /phone/],
  ["watch", /watch/],
  ["printer", /printer|scanner/],
  ["lamp", /lamp|light/],
  ["chair", /chair|stool/],
  ["backpack", /backpack|\bbag\b|sleeve|case/],
  ["mug", /mug|cup|bottle/],
  ["notebook", /notebook|journal|planner|\bpen\b|\bbook\b/],
];

/** The drawing's id; a parcel where none fits. */
export function drawingFor(product) {
  const words = product.name.toLowerCase();
  return DRAWINGS.find(([, pattern]) => pattern.test(words))?.[0] ?? "parcel";
}

const TINTS = 5;

/** The drawing's background, 1 to 5: always the same for one product, and mixed in a list. */
export function tintFor(product) {
  const sum = Array.from(product.sku).reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return (sum % TINTS) + 1;
}
