package jobs_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDependencies_HaveNoThirdPartyModule checks all packages that a program gets with
// package jobs.
func TestDependencies_HaveNoThirdPartyModule(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	const module = "github.com/graviti-ai/tensorbay-jobs-go/"
	assert.ElementsMatch(t, []string{
		module + "gen", module + "jobs", module + "polling",
		module + "internal/content", module + "internal/pager", module + "internal/ratelimit", module + "internal/redact", module + "internal/transport",
		module + "internal/watcher", module + "internal/wire",
	}, strings.Fields(string(out)))
}

func TestDependencies_PollingUsesTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "../polling").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, []string{"github.com/graviti-ai/tensorbay-jobs-go/polling"}, strings.Fields(string(out)))
}
