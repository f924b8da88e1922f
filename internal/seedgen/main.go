// Seedgen writes the large datasets of the test server's seed: it replaces
// what stands between two marks in the file it is given and leaves the rest,
// which is written by hand, alone. The same program writes the same bytes, so
// a change of the seed can be reviewed.
//
//	go run ./internal/seedgen testdata/seed.yaml
package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

const (
	beginMark = "  # BEGIN of what internal/seedgen writes.\n"
	endMark   = "  # END of what internal/seedgen writes.\n"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: seedgen FILE")
		os.Exit(2)
	}
	if err := rewriteFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "seedgen:", err)
		os.Exit(1)
	}
}

func rewriteFile(name string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the seed: %w", err)
	}
	text, err := rewrite(old)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", name, err)
	}
	if bytes.Equal(old, text) {
		return nil
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return fmt.Errorf("write the seed: %w", err)
	}
	return nil
}

func rewrite(old []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(old, []byte(beginMark))
	if !ok {
		return nil, errors.New("the mark that begins the written part is missing")
	}
	_, tail, ok := bytes.Cut(rest, []byte(endMark))
	if !ok {
		return nil, errors.New("the mark that ends the written part is missing")
	}
	return bytes.Join([][]byte{head, []byte(beginMark), generate(), []byte(endMark), tail}, nil), nil
}

// generate uses whole numbers only: the last digit of a float depends on the
// processor.
func generate() []byte {
	w := &writer{used: map[string]bool{}}
	newStreet(rand.New(rand.NewPCG(20210802, 1))).write(w)
	w.line(0, "")
	writeDrive(w, rand.New(rand.NewPCG(20210802, 2)))
	return w.Bytes()
}
