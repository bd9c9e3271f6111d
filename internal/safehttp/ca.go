package safehttp

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// LoadCAs returns the certificates that the system trusts and those of a PEM
// file. Blocks that are not certificates are passed over; a certificate that
// cannot be read is an error, because its absence would show up much later.
func LoadCAs(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file of CA certificates %s does not exist", file)
	}
	if err != nil {
		return nil, fmt.Errorf("the file of CA certificates cannot be read: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's CA certificates cannot be read: %w", err)
	}
	if err := addCAs(pool, text); err != nil {
		return nil, fmt.Errorf("the file of CA certificates %s: %w", file, err)
	}
	return pool, nil
}

// addCAs adds the certificates of a PEM text. The text is cut at the marks where
// blocks begin, for pem.Decode passes over a block that it cannot read.
func addCAs(pool *x509.CertPool, text []byte) error {
	mark := []byte("-----BEGIN ")
	added, line := 0, 1
	for i, piece := range bytes.Split(text, mark) {
		at := line
		line += bytes.Count(piece, []byte("\n"))
		if i == 0 {
			continue // what stands before the first block
		}
		block, _ := pem.Decode(append(bytes.Clone(mark), piece...))
		if block == nil {
			return fmt.Errorf("block %d, which begins in line %d, is not PEM: it is cut off or damaged", i, at)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("block %d, which begins in line %d, is not a certificate: %w", i, at, err)
		}
		pool.AddCert(cert)
		added++
	}
	if added == 0 {
		return errors.New("it holds no certificate; a PEM file has them behind -----BEGIN CERTIFICATE-----")
	}
	return nil
}
