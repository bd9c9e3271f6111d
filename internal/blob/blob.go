// Package blob keeps finished files by key: a folder today, S3 later. It must
// not know what the files are.
package blob
