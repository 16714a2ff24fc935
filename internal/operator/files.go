package operator

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Names of files in the data directory.
const (
	endpointFile = "operator.json"
	tokenFile    = "operator-token"
)

// Endpoint says where a running server's operator API is.
type Endpoint struct {
	URL string `json:"url"`
	// Cert is the path of the server's certificate in PEM; empty without TLS. Clients on the machine trust exactly it.
	Cert string `json:"cert,omitempty"`
}

// WriteEndpoint says in the data directory where the operator API is. Call it once the server listens.
func WriteEndpoint(dir string, endpoint Endpoint) error {
	text, err := json.Marshal(endpoint)
	if err != nil {
		return fmt.Errorf("encode %s: %w", endpointFile, err)
	}
	return writePrivate(filepath.Join(dir, endpointFile), text)
}

// RemoveEndpoint takes back what WriteEndpoint said. Call it when the server stops.
func RemoveEndpoint(dir string) error {
	err := os.Remove(filepath.Join(dir, endpointFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// EnsureToken returns the token of the server on dir: given, if it is not empty, else the one in the directory, else a
// new one. It is in the directory afterwards, so that clients on the same machine find it.
func EnsureToken(dir, given string) (string, error) {
	kept, err := readToken(dir)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return "", err
	case given == "" && kept != "" && !fit(kept):
		return "", fmt.Errorf("the operator token in %s is not at least %d printable ASCII characters without blanks; remove the file to "+
			"have another one made", filepath.Join(dir, tokenFile), minToken)
	case given == "" && kept != "" || given != "" && given == kept:
		return kept, nil
	case given == "":
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		given = hex.EncodeToString(b[:])
	}
	return given, writePrivate(filepath.Join(dir, tokenFile), []byte(given+"\n"))
}

// minToken is the least length of the operator token in characters, as the setting has it.
const minToken = 16

// fit reports whether a token from the file is one that the setting would take.
func fit(token string) bool {
	return len(token) >= minToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

func readToken(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, tokenFile))
	if err != nil {
		return "", fmt.Errorf("read the operator token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func readEndpoint(dir string) (Endpoint, error) {
	var endpoint Endpoint
	text, err := os.ReadFile(filepath.Join(dir, endpointFile))
	if err != nil {
		return endpoint, err
	}
	if err := json.Unmarshal(text, &endpoint); err != nil {
		return endpoint, fmt.Errorf("%s in %s is damaged; start the server again to have it written anew", endpointFile, dir)
	}
	return endpoint, nil
}

// writePrivate replaces the file at once; only its owner can read it.
func writePrivate(path string, text []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
