import type { Language } from '../i18n/messages/catalogue.ts'
import { html, print } from './html.ts'
import { spokenIn } from './spoken-in.ts'

export type LetterView = {
  readonly language: Language
  readonly title: string
  readonly productName: string
  readonly paragraphs: readonly string[]
  /** What the letter is for. */
  readonly link: { readonly label: string; readonly url: string } | undefined
  /** Smaller, at the end. */
  readonly closing: string
}

/** A letter in its two forms. The HTML one is plain: readers of mail know neither our stylesheet nor each other's HTML. */
export function letterBodies(view: LetterView): { readonly text: string; readonly html: string } {
  const { language, title, productName, paragraphs, link, closing } = view
  const text = [
    ...paragraphs,
    ...(link === undefined ? [] : [`${link.label}:\n${link.url}`]),
    closing,
    `-- \n${productName}`,
  ]
  const document = html`<!doctype html>
    <html${spokenIn(language)}>
      <head>
        <meta charset="utf-8">
        <title>${title}</title>
      </head>
      <body style="margin:0;padding:24px;font:16px/1.5 sans-serif">
        ${paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
        ${
          link !== undefined &&
          html`<p>
            <a href="${link.url}" style="display:inline-block;padding:12px 20px;border-radius:8px;background:#17594a;color:#ffffff;text-decoration:none"
              >${link.label}</a
            >
          </p>`
        }
        <p style="color:#515d64;font-size:14px">${closing}</p>
        <p style="color:#515d64;font-size:14px">${productName}</p>
      </body>
    </html> `
  return { text: `${text.join('\n\n')}\n`, html: print(document) }
}
