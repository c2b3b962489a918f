/** A transition lost to others on the same records again and again. Nothing happened; trying later may help. */
export class StoreContended extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StoreContended'
  }
}
