// From what a reader types to the symbols that a character model knows, and back to what is shown.

const LOOKALIKES = {
  "’": "'",
  "‘": "'",
  "“": '"',
  "”": '"',
  "–": "-",
  "—": "-",
  "…": ".",
  "\t": " ",
  "\u00a0": " ",
};

// Map a text to codes. Upper case becomes lower case, typographic signs their plain form, a number becomes
// the symbol "N" where the model reads numbers so, and what then is still unknown is left out.
// Returns { codes, dropped: [each unknown symbol once], mapped: true if any symbol was replaced }.
export function encode(text, symbols) {
  const known = new Map(symbols.map((symbol, code) => [symbol, code]));
  const codes = [];
  const dropped = new Set();
  let mapped = false;
  const prepared = known.has("N") && !known.has("0") ? text.replace(/\d+(?:[.,]\d+)*/g, "N") : text;
  for (const symbol of prepared) {
    const candidates = [
      symbol,
      LOOKALIKES[symbol],
      symbol.toLowerCase(),
      symbol.normalize("NFD")[0].toLowerCase(),
    ];
    const fitting = candidates.find((candidate) => known.has(candidate));
    if (fitting === undefined) dropped.add(symbol);
    else codes.push(known.get(fitting));
    mapped ||= fitting !== symbol && fitting !== undefined;
  }
  return { codes, dropped: [...dropped], mapped: mapped || prepared !== text };
}

// The sign that stands for a symbol in a narrow cell.
export function sign(symbol) {
  return symbol === " " ? "␣" : symbol === "\n" ? "↵" : symbol;
}

// The words that stand for a symbol where it is read aloud.
export function spoken(symbol) {
  return symbol === " " ? "space" : symbol === "\n" ? "end of line" : `‘${symbol}’`;
}
