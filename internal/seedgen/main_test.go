package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSeedIsWhatTheProgramWrites(t *testing.T) {
	seed, err := os.ReadFile("../../testdata/seed.yaml")
	require.NoError(t, err)
	again, err := rewrite(seed)
	require.NoError(t, err)
	// Not assert.Equal: it would print both.
	assert.True(t, bytes.Equal(seed, again), "testdata/seed.yaml is out of date: run go generate")
}

func TestGenerateWritesTheSameBytes(t *testing.T) {
	assert.True(t, bytes.Equal(generate(), generate()), "two runs differ")
}

func TestRewriteNeedsBothMarks(t *testing.T) {
	for _, text := range []string{"", "datasets:\n" + beginMark, endMark + beginMark} {
		_, err := rewrite([]byte(text))
		assert.ErrorContains(t, err, "mark", text)
	}
}
