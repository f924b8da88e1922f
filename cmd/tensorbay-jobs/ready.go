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

// ready is what a client needs to know of a server that accepts requests.
type ready struct {
	URL       string `json:"url"`
	AccessKey string `json:"accessKey"`
	// CAFile holds the certificate that signs the server's; it is absent
	// without TLS.
	CAFile string `json:"caFile,omitempty"`
}

// announce writes the ready file, or, where there is to be none, the same line
// to stdout.
func (r ready) announce(path string, stdout io.Writer) error {
	line, err := json.Marshal(r) //nolint:gosec // the key of an emulator, for its clients
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if path == "" {
		_, err = stdout.Write(line)
		return err
	}
	if err := writeInOneStep(path, line); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// writeInOneStep makes a file appear with everything in it: whoever waits for
// it never reads half of it.
func writeInOneStep(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeIfThere(f.Name()))
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

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
