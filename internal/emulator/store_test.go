package emulator_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// The jobs end while there are no requests, in the order of their durations.
func TestStore_EndsJobsInTheOrderOfTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jobs := size(10_000)
		n := 0
		c := start(t, withSeed(hello()), withoutContractCheck(), withRuns(func(emulator.RunRequest) emulator.Run {
			n++
			return emulator.Run{Processing: time.Duration((n*7919)%jobs) * time.Second}
		}))
		id := c.id("hello")
		for range jobs {
			c.create(id, "squashAndMerge", mergeArguments("skip"))
		}
		begin := time.Now().Unix()
		<-time.After(time.Duration(jobs) * time.Second)
		for offset := 0; offset < jobs; offset += 128 {
			for _, item := range c.get(fmt.Sprintf("datasets/%s/jobs?jobType=squashAndMerge&offset=%d", id, offset))["jobs"].([]any) {
				item := item.(object)
				require.Equal(t, "SUCCESS", item["status"])
				// The durations are all whole seconds below jobs, once each.
				require.EqualValues(t, item["finishedAt"].(float64)-float64(begin)+1, item["result"].(object)["draftNumber"])
			}
		}
	})
}
