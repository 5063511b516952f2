// From what a reader types to the words of a vocabulary.

const SIGNS = { "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..." };

// Words of a text as [{ shown, code, known }]. Upper case becomes lower case; signs and endings like "n't" are
// cut off where the vocabulary has them apart; signs that it does not have are left out. An unknown word has
// the code of `unknown`, or null where there is none.
export function wordsOf(text, index, unknown) {
  const plain = [...text].map((letter) => SIGNS[letter] ?? letter).join("").toLowerCase();
  return plain
    .split(/\s+/)
    .filter((token) => token !== "")
    .flatMap((token) => pieces(token, index))
    .map((piece) => {
      const code = index.get(piece);
      return { shown: piece, code: code ?? unknown, known: code !== undefined };
    });
}

function pieces(token, index) {
  if (index.has(token)) return [token];
  const sign = /^([^\p{L}\p{N}]+)(.+)$/u.exec(token) ?? /^(.*[\p{L}\p{N}])([^\p{L}\p{N}]+)$/u.exec(token);
  if (sign !== null) return [...pieces(sign[1], index), ...pieces(sign[2], index)];
  if (!/[\p{L}\p{N}]/u.test(token)) return [];
  const ending = /^(.+?)(n't|'[a-z]+)$/.exec(token);
  if (ending !== null && index.has(ending[2])) return [...pieces(ending[1], index), ending[2]];
  return [token];
}

// Up to `most` words of the vocabulary that begin with a text, in the vocabulary's order.
export function beginningWith(text, vocabulary, most) {
  const start = text.trim().toLowerCase();
  return start === "" ? [] : vocabulary.filter((word) => word.startsWith(start)).slice(0, most);
}
