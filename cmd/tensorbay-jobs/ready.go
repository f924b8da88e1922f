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
	URL string `json:"url"`
	// APIURL is the base URL of the operations of openapi.yaml.
	APIURL    string `json:"apiUrl"`
	AccessKey string `json:"accessKey"`
	// CAFile names the file of the CA certificate. It is absent without TLS.
	CAFile string `json:"caFile,omitempty"`
}

// announce writes r to the ready file and returns a function that removes it. If path is
// empty, it writes to stdout.
func (r ready) announce(path string, stdout io.Writer) (remove func() error, err error) {
	line, err := json.Marshal(r) //nolint:gosec // a key for clients of the embedded server
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	if path == "" {
		_, err = stdout.Write(line)
		return func() error { return nil }, err
	}
	if remove, err = writeAtomically(path, line); err != nil {
		return nil, fmt.Errorf("--ready-file: %w", err)
	}
	return remove, nil
}

// removeOldReadyFile removes the ready file of a server that was killed, so that a script
// does not take it for that of this server. It rejects any other file.
func removeOldReadyFile(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var old ready
	if json.Unmarshal(text, &old) != nil || old.URL == "" || old.AccessKey == "" {
		return fmt.Errorf("%s exists and is not a ready file: choose another path", path)
	}
	return removeIfExists(path)
}

// writeAtomically writes data to a temporary file and renames it to path, so that a reader
// never sees a partial file. The file is readable for all users. remove removes it, unless
// another process has replaced it.
func writeAtomically(path string, data []byte) (remove func() error, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeIfExists(f.Name()))
		}
	}()
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return nil, err
	}
	own, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return func() error {
		if now, err := os.Stat(path); err != nil || !os.SameFile(own, now) {
			return nil //nolint:nilerr // it was removed or replaced
		}
		return removeIfExists(path)
	}, nil
}

func removeIfExists(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
