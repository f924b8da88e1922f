package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

func TestListDrafts_FiltersByStatusAndBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hello()
		ds := &s.Datasets[0]
		extra := []seed.Segment{{Name: "extra", Data: []seed.Data{datum("x", "x", "x")}}}
		ds.Drafts = []seed.Draft{
			{Title: "one", Branch: "main", Description: "d", Segments: extra},
			{Title: "two", Branch: "dev", Status: "OPEN"},
			{Title: "three", Branch: "main", Status: "CLOSED"},
			{Title: "four", Branch: "main", Status: "COMMITTED"},
		}
		c := start(t, withSeed(s), withBadRequests())
		id := c.id("hello")
		list := func(query string) string {
			var titles []string
			for _, d := range c.get("datasets/" + id + "/drafts" + query)["drafts"].([]any) {
				titles = append(titles, fmt.Sprintf("%v:%s", d.(object)["number"], d.(object)["status"]))
			}
			return strings.Join(titles, " ")
		}
		assert.Equal(t, "1:OPEN 2:OPEN", list(""))
		assert.Equal(t, "1:OPEN 2:OPEN 3:CLOSED 4:COMMITTED", list("?status=ALL"))
		assert.Equal(t, "1:OPEN 3:CLOSED 4:COMMITTED", list("?status=ALL&branchName=main"))
		assert.Equal(t, "3:CLOSED", list("?status=ALL&branchName=main&offset=1&limit=1"))
		assert.Equal(t, "4:COMMITTED", list("?status=COMMITTED"))
		main := c.head(id)
		assert.Equal(t, object{
			"number": 1.0, "title": "one", "description": "d", "branchName": "main", "status": "OPEN", "parentCommitId": main,
			"author": object{"name": "tester", "date": 1700000000.0}, "updatedAt": 1700000000.0,
		}, c.get("datasets/" + id + "/drafts?limit=1")["drafts"].([]any)[0])
		for number := 1; number <= 4; number++ {
			c.get(fmt.Sprintf("datasets/%s/segments?draftNumber=%d", id, number))
		}

		patch := func(number int) string { return fmt.Sprintf("datasets/%s/drafts/%d", id, number) }
		assert.Empty(t, c.do(http.MethodPatch, patch(2), object{"status": "CLOSED"}))
		c.doError(400, "InvalidParamsValue", http.MethodPatch, patch(2), object{"status": "CLOSED"})
		c.doError(400, "InvalidParamsValue", http.MethodPatch, patch(1), object{"status": "OPEN"})
		assert.Equal(t, "2:CLOSED 3:CLOSED", list("?status=CLOSED"))

		<-time.After(time.Second)
		require.NoError(t, c.CommitDraft(id, 1))
		require.Error(t, c.CommitDraft(id, 1))
		require.Error(t, c.CommitDraft("hello", 9))
		require.Error(t, c.CommitDraft("nothing", 1))
		commits := c.get("datasets/" + id + "/commits")["commits"].([]any)
		require.Len(t, commits, 2)
		assert.Equal(t, object{
			"commitId": c.head(id), "parentCommitId": main, "title": "one", "description": "d",
			"committer": object{"name": "tester", "date": float64(time.Now().Unix())},
		}, commits[0])
		assert.Equal(t, 2.0, c.get("datasets/" + id + "/segments")["totalCount"])

		require.EqualError(t, c.CloseDraft("hello", 1), "The draft 1 is COMMITTED, not OPEN.")
		require.NoError(t, c.DeleteDraft("hello", 4))
		require.EqualError(t, c.DeleteDraft("hello", 4), "The dataset hello has no draft 4.")
		assert.Equal(t, "1:COMMITTED 2:CLOSED 3:CLOSED", list("?status=ALL"))
		assert.Equal(t, object{"draftNumber": 5.0}, c.create(id, "squashAndMerge", mergeArguments("abort")).finish(), "numbers are not used again")
		require.NoError(t, c.CloseDraft("hello", 5))
	})
}
