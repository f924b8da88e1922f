package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ready contains the address and the key of a server that accepts requests.
type ready struct {
	URL       string `json:"url"`
	AccessKey string `json:"accessKey"`
	// CAFile names the file of the CA certificate. It is absent without TLS.
	CAFile string `json:"caFile,omitempty"`
}

// announce writes r to the ready file. If path is empty, it writes to stdout.
func (r ready) announce(path string, stdout io.Writer) error {
	line, err := json.Marshal(r) //nolint:gosec // a key for clients of the embedded server
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if path == "" {
		_, err = stdout.Write(line)
		return err
	}
	if err := writeAtomically(path, line); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// writeAtomically writes data to a temporary file and renames it to path, so that
// a reader never sees a partial file.
func writeAtomically(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeIfExists(f.Name()))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func removeIfExists(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
