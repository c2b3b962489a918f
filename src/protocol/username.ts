import { userIdPrefix } from './client-id.ts'
import { refuse, type Refusal } from './errors.ts'

/** UTF-16 units, before and after normalisation. */
const longest = 64

/** A user name as it is shown, and as it is compared: two names with one normal form are one name. */
export type Username = { readonly username: string; readonly normal: string }

/** Signs and digits that go with every alphabet. */
const common = /[0-9._-]/g
/** What normalised, lower-case names are written in: one alphabet each, so that none borrows a look-alike from another (UTS 39 §5.2). */
const alphabets: readonly RegExp[] = [
  // Latin of living languages; the rest of the script is phonetic signs and small capitals that pass for other letters.
  /^[a-zß-öø-ſơưǎǐǒǔǖǘǚǜșț\u1e00-\u1eff]+$/u,
  /^[\p{sc=Han}\p{scx=Hiragana}\p{scx=Katakana}]+$/u,
  /^[\p{sc=Han}\p{sc=Hangul}]+$/u,
  /^[\p{sc=Han}\p{sc=Bopomofo}]+$/u,
  /^\p{sc=Cyrillic}+$/u,
  /^\p{sc=Greek}+$/u,
  /^\p{sc=Armenian}+$/u,
  /^\p{sc=Georgian}+$/u,
  /^\p{sc=Ethiopic}+$/u,
  /^\p{sc=Devanagari}+$/u,
  /^\p{sc=Bengali}+$/u,
  /^\p{sc=Gurmukhi}+$/u,
  /^\p{sc=Gujarati}+$/u,
  /^\p{sc=Tamil}+$/u,
  /^\p{sc=Telugu}+$/u,
  /^\p{sc=Kannada}+$/u,
  /^\p{sc=Malayalam}+$/u,
  /^\p{sc=Sinhala}+$/u,
  /^\p{sc=Thai}+$/u,
  /^\p{sc=Lao}+$/u,
  /^\p{sc=Khmer}+$/u,
  /^\p{sc=Myanmar}+$/u,
]
const rightToLeft: readonly RegExp[] = [/^\p{sc=Hebrew}+$/u, /^\p{sc=Arabic}+$/u]
/** RFC 5893 §2, for a name in one right-to-left alphabet: begins with a letter, ends in a letter or digit. */
const ordered = /^\p{L}(?:.*[\p{L}\p{M}0-9])?$/u
/** Letters of other alphabets that look like Latin ones: a name made of nothing else is a disguise (UTS 39 §4.1). */
const disguise = /^[асеорхуіјѕһԁԛԝӏονιαρυκχօոսհցզյ]+$/u
const lettersAlone = /^[\p{L}\p{M}]+$/u
const invisible = /\p{Default_Ignorable_Code_Point}/u

/**
 * Normalises, then judges a user name, in the manner of PRECIS UsernameCaseMapped (RFC 8265 §3.3): NFKC and lower case, so
 * full-width and capital spellings are the same name; one alphabet; nothing invisible, no direction marks, no spaces inside.
 */
export function parseUsername(text: string): Username | Refusal {
  if (text.length > longest) return malformed('a user name has 1 to 64 characters')
  // Spaces around it are typing, not name: a phone's keyboard adds one. `trim` would also drop invisible characters.
  const username = text.normalize('NFKC').replaceAll(/^ +| +$/g, '')
  const normal = fold(username)
  if (username === '' || normal.length > longest) return malformed('a user name has 1 to 64 characters')
  if (/^[._-]/.test(normal)) return malformed('a user name begins with a letter or digit')
  // No name may pass for an id.
  if (normal.startsWith(userIdPrefix)) return malformed('a user name does not begin with usr_')
  const letters = normal.replaceAll(common, '')
  if (letters === '') return { username, normal }
  if (!lettersAlone.test(letters) || invisible.test(normal) || /^\p{M}/u.test(letters)) {
    return malformed('a user name holds letters, digits, dots, hyphens and underscores')
  }
  const isOrdered = !rightToLeft.some((alphabet) => alphabet.test(letters)) || ordered.test(normal)
  if (!isOrdered)
    return malformed('a user name written from right to left begins with a letter and ends in a letter or digit')
  if (![...alphabets, ...rightToLeft].some((alphabet) => alphabet.test(letters)))
    return malformed('a user name keeps to one alphabet')
  if (disguise.test(letters)) return malformed('the user name could be taken for one in Latin letters')
  return { username, normal }
}

/** The normal form alone: the key under which a name is unique. */
export function normaliseUsername(text: string): string | Refusal {
  const parsed = parseUsername(text)
  return 'normal' in parsed ? parsed.normal : parsed
}

/** Lower case, then what lower case leaves apart though it looks or sounds alike: dotless i, final sigma. */
function fold(text: string): string {
  return text.toLowerCase().normalize('NFKC').replaceAll('ı', 'i').replaceAll('ς', 'σ')
}

function malformed(hint: string): Refusal {
  return refuse('invalid_request', 'username_malformed', hint)
}
