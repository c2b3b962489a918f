/** A letter, ready to be sent. */
export type Letter = {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Resolves when somebody else has taken the letter over; throws when nobody did. */
export type Send = (letter: Letter) => Promise<void>
