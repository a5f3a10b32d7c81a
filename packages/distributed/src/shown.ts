/** What somebody has put on the queue, for a message or a terminal: no control characters, and not too much of it. */
export const shown = (text: string, most = 300): string => text.slice(0, most).replace(/\p{C}/gu, "?");
