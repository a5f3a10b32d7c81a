export { endpointOf, optionsOf, pathOf } from "./address.js";
export { tokenFrom } from "./grant.js";
export { type Ending, Keyring, type SourceOf } from "./keyring.js";
export { type Dialect, ifNone, type Objects, objectsOf, type Page, type Place, textIn } from "./objects.js";
export { partsOf, sendParts } from "./parts.js";
export { isForbidden, type Refusal, refusalBehind, refusedBy } from "./refusal.js";
export {
  type PutOptions,
  type RemoteOptions,
  type RemoteWriter,
  remoteWriter,
  type UploadOptions,
} from "./remote-writer.js";
export { type Sender, type SenderOptions, type Sending, type Sent, senderOf } from "./send.js";
export { type Signature, signedFetch } from "./signing.js";
export { sectionOf, textOf, unescaped } from "./texts.js";
