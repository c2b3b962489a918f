/** RFC 6749 appendix A.17, and A.12: what fits into a header and on one line. */
export const visibleText = /^[\x20-\x7e]+$/
/** An access token besides is one word: it stands behind `Bearer` (RFC 6750 §2.1). */
export const tokenText = /^[\x21-\x7e]+$/
