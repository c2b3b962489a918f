import { confirmEmail } from '../accounts/confirm-email.ts'
import { createUser } from '../accounts/create-user.ts'
import { stillInvites } from '../accounts/still-invites.ts'
import { resetPassword } from '../accounts/reset-password.ts'
import { ref } from '../domain/record.ts'
import { sameImprint } from '../domain/same-imprint.ts'
import { isFor, isNotice, type NoticeTicket, type Ticket } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import { formPage, type FormPageView } from '../pages/form-page.ts'
import type { SectionForm } from '../pages/account/section-form.ts'
import { confirmEmailForm, invitationForm, makeAccountForm, newPasswordForm } from '../pages/letter-forms.ts'
import type { Presentation } from '../pages/page.ts'
import { problemPage } from '../pages/problem-page.ts'
import { message } from '../i18n/message.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { countsForAccounts } from '../protocol/scope.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readAlive } from '../store/read-alive.ts'
import { readTicketToken } from '../tokens/ticket-token.ts'
import type { Mistake } from './account/section.ts'
import type { Core } from './core.ts'
import { languageFor, presentationFor, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/**
 * Where the links of letters lead: a page that asks, since mail programs follow links by themselves; and its form, which does
 * what the letter was for, once. Touches no store for a link that we didn't make.
 */
export function createLetterEndpoint(core: Core): Endpoint {
  return async (http) => {
    const request = await readPageRequest(core, http, 'letter')
    if ('status' in request) return request
    const { parameters, signedIn } = request
    const presentation = presentationFor(core, http)
    const token = parameters.get('token') ?? ''
    const held = await ticketOf(core, token)
    if (held === undefined) return gone(presentation)
    if (held.ticket.purpose === 'confirm-email') {
      const { addressee } = held.ticket
      if (held.user === undefined || !isFor(addressee, held.user)) return gone(presentation)
      // Whoever reads the mailbox may be a stranger to the account, and would lend it his address by a click.
      if (signedIn?.user.userId !== addressee.userId)
        return seeOther(`/signin?next=${encodeURIComponent(`/letter?token=${token}`)}`)
    }
    // Letters without a link: nobody was given what opens these.
    const { ticket } = held
    if (isWithoutLink(ticket)) return gone(presentation)
    if (held.ticket.purpose === 'invite' && !(await stillOpen(core, held.ticket))) return gone(presentation)
    const mistake =
      http.method === 'POST' ? await act(core, { ...held, ticket }, { typed: parameters, http }) : undefined
    if (mistake === 'gone') return gone(presentation)
    if (mistake !== undefined && 'headers' in mistake) return mistake
    const bound = bindForm(core, http, { purpose: purposeOf('letter', undefined), signedIn })
    const hidden = [bound.field, { name: 'token', value: token }]
    const form = { language: presentation.language, action: '/letter', hidden }
    const view = formPage(presentation, {
      ...bodyOf(form, { ticket, user: held.user }, { mistake, host: new URL(core.issuer).host }),
      back: { path: '/', label: 'problem.home' },
      problem: mistake,
      newPassword: ticket.purpose === 'recover' || ticket.purpose === 'invite',
    })
    return withHeaders(view, bound.setCookie)
  }
}

type WithoutLink = NoticeTicket | Extract<Ticket, { readonly purpose: 'sign-in' }>

const isWithoutLink = (ticket: Ticket): ticket is WithoutLink => isNotice(ticket) || ticket.purpose === 'sign-in'

type Held<T extends Ticket = Ticket> = {
  readonly ticketId: string
  readonly ticket: T
  /** Whose account it is about, where there is one. */
  readonly user: User | undefined
}

/** The ticket that a token is the proof of (H15: one that we made). */
async function ticketOf(core: Core, token: string): Promise<Held | undefined> {
  const proof = readTicketToken(core.keys, token)
  if (proof === undefined) return undefined
  const { recordId: ticketId } = proof
  const ticket = await readAlive(core.transition.store, ref('ticket', ticketId), core.clock.seconds())
  if (ticket === undefined || !sameImprint(ticket, proof.imprint)) return undefined
  const userId = 'addressee' in ticket ? ticket.addressee?.userId : undefined
  return { ticketId, ticket, user: userId === undefined ? undefined : await core.directory.user(userId) }
}

async function act(
  core: Core,
  { ticketId, ticket }: Held<Exclude<Ticket, WithoutLink>>,
  { typed, http }: { readonly typed: Parameters; readonly http: HttpRequest },
): Promise<HttpResponse | Mistake | 'gone'> {
  switch (ticket.purpose) {
    case 'register': {
      // Newcomers may have been shut out since.
      if (core.usersPolicy().registration !== 'open') return 'gone'
      const { email, fullName, passwordHash } = ticket
      const username = typed.get('username') ?? ''
      const unproved = await registrantProblem(core, { ticketId, passwordHash, typed, address: http.peer.address })
      if (unproved !== undefined) return unproved
      const letter = { ticketId, passwordHash, proves: true, language: languageFor(http.headers) }
      const wanted = { username, email, letter, ...(fullName !== undefined && { fullName }) }
      const made = await createUser(core, { kind: 'registration' }, wanted)
      if ('done' in made) return seeOther('/signin')
      const { field, code } = made.refused
      if (field === 'email') return { says: 'register.emailTaken' }
      if (field !== 'username') return 'gone'
      return { says: code === 'conflict' ? 'profile.usernameTaken' : 'profile.usernameBad', field, typed }
    }
    case 'invite':
      return accept(core, { ticketId, ticket, typed, language: languageFor(http.headers) })
    case 'confirm-email': {
      const confirmed = await confirmEmail(core, {
        ticketId,
        userId: ticket.addressee.userId,
        email: ticket.email,
        language: languageFor(http.headers),
      })
      if ('done' in confirmed) return seeOther('/account')
      return confirmed.refused.field === 'email' ? { says: 'register.emailTaken' } : 'gone'
    }
    case 'recover': {
      const password = typed.get('new_password') ?? ''
      if (password !== typed.get('repeat_password')) return { says: 'password.differs', field: 'repeat_password' }
      const { addressee } = ticket
      if (addressee === undefined) return 'gone'
      const providers = core.upstream.providers.keys()
      const reset = await resetPassword(core, { ticketId, userId: addressee.userId, password, providers })
      if ('done' in reset) return seeOther('/signin')
      if (reset.refused.field !== 'password') return 'gone'
      return { says: 'password.weak', field: 'new_password', strength: reset.strength }
    }
  }
}

/** The invited person chooses name and password. Whoever invited must still be one who may. */
async function accept(
  core: Core,
  asked: {
    readonly ticketId: string
    readonly ticket: Extract<Ticket, { readonly purpose: 'invite' }>
    readonly typed: Parameters
    readonly language: string
  },
): Promise<HttpResponse | Mistake | 'gone'> {
  const { ticketId, ticket, typed, language } = asked
  if (!(await stillOpen(core, ticket))) return 'gone'
  const password = typed.get('new_password') ?? ''
  if (password !== typed.get('repeat_password')) return { says: 'password.differs', field: 'repeat_password', typed }
  const { role, email, proves } = ticket
  // An invitation of an older version may name some that no account is given any more.
  const scopes = ticket.scopes.filter(countsForAccounts)
  const fullName = typed.get('full_name') ?? ''
  const made = await createUser(
    core,
    { kind: 'invitation', role, scopes },
    {
      username: typed.get('username') ?? '',
      password,
      role,
      scopes,
      ...(fullName !== '' && { fullName }),
      ...(email !== undefined && { email }),
      letter: { ticketId, proves, language, invitedBy: ticket.invitedBy },
    },
  )
  if ('done' in made) return seeOther('/signin')
  const { field, code } = made.refused
  switch (field) {
    case 'username':
      return { says: code === 'conflict' ? 'profile.usernameTaken' : 'profile.usernameBad', field, typed }
    case 'full_name':
      return { says: 'profile.fullNameBad', field, typed }
    case 'password':
      return { says: 'password.weak', field: 'new_password', strength: made.strength, typed }
    case 'email':
      return { says: 'register.emailTaken', typed }
    default:
      return 'gone'
  }
}

/** Whether an invitation is still one: the policy lets people in, and so does whoever invited. */
async function stillOpen(core: Core, ticket: Extract<Ticket, { readonly purpose: 'invite' }>): Promise<boolean> {
  return core.usersPolicy().registration !== 'closed' && (await stillInvites(core, ticket))
}

/**
 * The letter proves the address alone; the password proves that its reader is who asked for the account. Without it somebody could
 * ask for one in a stranger's name, with a password of his own, and wait for the stranger's click.
 */
async function registrantProblem(
  core: Core,
  asked: {
    readonly ticketId: string
    readonly passwordHash: string
    readonly typed: Parameters
    readonly address: string
  },
): Promise<Mistake | undefined> {
  const { ticketId, passwordHash, typed, address } = asked
  const field = 'password'
  const reserved = core.limits.reserve('sign-in', [`letter:${ticketId}`, address])
  if ('retryAfterSeconds' in reserved) return { says: 'password.throttled', field, typed, status: 429 }
  let wrong = false
  try {
    wrong = !(await core.passwords.verify(passwordHash, typed.get('password') ?? ''))
    return wrong ? { says: 'letterPage.register.wrong', field, typed, status: 403 } : undefined
  } finally {
    if (!wrong) reserved.forgive()
  }
}

function bodyOf(
  form: SectionForm,
  {
    ticket,
    user,
  }: {
    readonly ticket: Exclude<Ticket, WithoutLink>
    readonly user: User | undefined
  },
  { mistake, host }: { readonly mistake: Mistake | undefined; readonly host: string },
): Pick<FormPageView, 'title' | 'body'> {
  const wrong = mistake?.field
  switch (ticket.purpose) {
    case 'register': {
      const view = { username: mistake?.typed?.get('username') ?? ticket.username, wrong }
      return { title: 'letterPage.register.title', body: makeAccountForm(form, view) }
    }
    case 'invite': {
      const typed = (name: string) => mistake?.typed?.get(name)
      const view = {
        host,
        username: typed('username') ?? ticket.username ?? '',
        fullName: typed('full_name') ?? ticket.fullName ?? '',
        wrong,
        strength: mistake?.strength,
      }
      return { title: 'letterPage.invite.title', body: invitationForm(form, view) }
    }
    case 'confirm-email':
      return { title: 'letterPage.confirm.title', body: confirmEmailForm(form, ticket.email) }
    case 'recover':
      return {
        title: 'letterPage.recover.title',
        body: newPasswordForm(form, { username: user?.username ?? '', wrong, strength: mistake?.strength }),
      }
  }
}

function gone(presentation: Presentation): HttpResponse {
  const { language } = presentation
  return problemPage(presentation, {
    status: 400,
    error: 'link_expired',
    title: message(language, 'letter.gone.title'),
    what: message(language, 'letter.gone.what'),
    advice: message(language, 'letter.gone.advice'),
  })
}
