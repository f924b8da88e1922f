package emulator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the suite when a goroutine is left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
