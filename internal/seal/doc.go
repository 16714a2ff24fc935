// Package seal encrypts secrets that are kept on disk, with a master key that is kept elsewhere.
//
//   - A sealed text is printable and begins with Prefix; Is tells it from a clear one. Its form is
//     sealed:v1:<key id>:<base64 of nonce and ciphertext>, with AES-256-GCM.
//   - What it is sealed for (its place: which app, which field) is authenticated: moved elsewhere, it does not open.
//   - The first key of a Box seals; all open. So a change of key is a start with the new key before the old one.
//   - Errors say which key is missing, and never repeat a key or a text.
//
// A Box is safe for concurrent use. The package keeps nothing on disk and must not import any other of the module.
package seal
