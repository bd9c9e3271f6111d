// Package account is who may call: API keys, kept only as hashes. It must not
// know HTTP or SQL.
package account
