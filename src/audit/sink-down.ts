import { StoreUnavailable } from '../store/unavailable.ts'

/** Nothing was committed, because the audit sink takes nothing (FLT-31). To whoever asked it is a store that takes no writes. */
export class AuditSinkDown extends StoreUnavailable {
  constructor(why: string) {
    super(`the audit sink takes no events: ${why}`, 'none')
    this.name = 'AuditSinkDown'
  }
}
