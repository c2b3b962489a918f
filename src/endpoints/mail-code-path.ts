/** Where a code is asked for and typed: pages that offer it need not know what it does. */
export const mailCodePath = '/signin/code'
