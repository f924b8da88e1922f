package jobs_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDependencies_ExcludeServerSchemaAndTestLibraries checks all packages that a
// program gets with package jobs.
func TestDependencies_ExcludeServerSchemaAndTestLibraries(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	const module = "github.com/graviti-ai/tensorbay-jobs-go/"
	assert.ElementsMatch(t, []string{
		module + "gen", module + "jobs", module + "polling",
		module + "internal/content", module + "internal/pager", module + "internal/ratelimit", module + "internal/redact", module + "internal/transport", module + "internal/watcher", module + "internal/wire",
		"github.com/oapi-codegen/runtime",
		"github.com/oapi-codegen/runtime/types", // by gen/
		"github.com/apapsch/go-jsonmerge/v2",    // by oapi-codegen/runtime
		"github.com/google/uuid",                // by oapi-codegen/runtime
	}, strings.Fields(string(out)))
}

func TestDependencies_PollingUsesTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "../polling").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, []string{"github.com/graviti-ai/tensorbay-jobs-go/polling"}, strings.Fields(string(out)))
}
