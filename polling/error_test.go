package polling_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestError_TextNamesReasonAndLastError(t *testing.T) {
	permanent := polling.Permanent(io.EOF)
	for want, err := range map[string]*polling.Error{
		"wait ended after 1.5s and 1 poll: context canceled": {
			Reason: context.Canceled, Polls: 1, Elapsed: 1500*time.Millisecond + 1,
		},
		"wait ended after 1h0m0s and 131 polls: max outage exceeded; the last poll failed: EOF": {
			Reason: polling.ErrOutage, Last: io.EOF, Polls: 131, Elapsed: time.Hour,
		},
		"wait ended after 0s and 1 poll: EOF": {
			Reason: permanent, Last: permanent, Polls: 1,
		},
	} {
		assert.EqualError(t, err, want)
		assert.ErrorIs(t, err, err.Reason)
	}
}

func TestPermanent_KeepsTheError(t *testing.T) {
	assert.NoError(t, polling.Permanent(nil))
	assert.ErrorIs(t, polling.Permanent(io.EOF), io.EOF)
	assert.EqualError(t, polling.Permanent(io.EOF), "EOF")
}
