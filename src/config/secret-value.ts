/** A secret that came with the configuration. It prints as `[secret]` wherever it is printed, logged or serialised. */
export type SecretValue = {
  readonly reveal: () => string
  readonly toJSON: () => string
  readonly toString: () => string
}

const hidden = (): string => '[secret]'

/** Hides `text` behind a closure, so that no inspection of the object shows it. */
export function secretValue(text: string): SecretValue {
  return Object.freeze({ reveal: () => text, toJSON: hidden, toString: hidden })
}

export function isSecretValue(value: unknown): value is SecretValue {
  return typeof value === 'object' && value !== null && 'reveal' in value
}
