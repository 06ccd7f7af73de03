// Colours that stay apart for colour-blind readers (hues after Okabe and Ito, who tested theirs),
// in light and dark, and series that keep theirs wherever they appear.

const HUES = {
  light: { blue: "#0b6bb0", orange: "#d98c00", green: "#00866a", purple: "#a8488a", sky: "#3f9fd6", red: "#c8480b", violet: "#6a4fb3", olive: "#83821c", yellow: "#b59b00" },
  dark: { blue: "#4a9fe0", orange: "#eda42b", green: "#1fb48c", purple: "#d987b7", sky: "#7cc7f2", red: "#f0703a", violet: "#a08bea", olive: "#b9b84a", yellow: "#e8d54a" },
};

const ORDER = ["blue", "orange", "green", "purple", "sky", "red", "violet", "olive"];

// The second and third time round, the same hues are lighter and then darker.
const ROUNDS = { light: [null, ["#ffffff", 0.38], ["#000000", 0.3]], dark: [null, ["#000000", 0.3], ["#ffffff", 0.4]] };

export class Palette {
  #seats = new Map(); // per kind of series, its names in order of appearance

  // of is the colour of the series called name. Kinds of series (by instance, by function) are
  // seated apart, so that one kind with many members does not use up the other's colours.
  of(kind, name, scheme) {
    if (!this.#seats.has(kind)) this.#seats.set(kind, new Map());
    const seats = this.#seats.get(kind);
    if (!seats.has(name)) seats.set(name, seats.size);
    return nth(seats.get(name), scheme);
  }

  // fixed is a colour by Grafana's name, such as "red" or "dark-red", or by its CSS notation.
  fixed(name, scheme) {
    const plain = name.replace(/^(semi-|super-)?(dark|light)-/, "");
    return HUES[scheme][plain] ?? (/^#[0-9a-f]{3,8}$/i.test(name) ? name : HUES[scheme].blue);
  }
}

function nth(n, scheme) {
  const hue = HUES[scheme][ORDER[n % ORDER.length]];
  const round = ROUNDS[scheme][Math.floor(n / ORDER.length) % ROUNDS[scheme].length];
  return round ? mix(hue, ...round) : hue;
}

function mix(a, b, share) {
  const channel = (c, i) => parseInt(c.slice(1 + 2 * i, 3 + 2 * i), 16);
  return "#" + [0, 1, 2].map((i) => Math.round(channel(a, i) * (1 - share) + channel(b, i) * share).toString(16).padStart(2, "0")).join("");
}

export function fade(hex, alpha) {
  return hex.length === 7 ? hex + Math.round(alpha * 255).toString(16).padStart(2, "0") : hex;
}
