package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestServeData_ChecksTheSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(albums()), withURLTTL(time.Minute))
		address := c.firstURLs(2)[1]
		status := func(address string) int {
			response, _ := c.download(address, nil)
			return response.StatusCode
		}
		<-time.After(time.Minute - 1)
		assert.Equal(t, http.StatusOK, status(address))
		assert.Equal(t, http.StatusForbidden, status(strings.Replace(address, "%23", "%24", 1)), "another path")
		assert.Equal(t, http.StatusForbidden, status(strings.Replace(address, "expires=", "expires=1", 1)), "another time")
		assert.Equal(t, http.StatusForbidden, status(address+"0"), "another signature")
		assert.Equal(t, http.StatusForbidden, status(strings.Split(address, "?")[0]), "no signature")
		<-time.After(time.Nanosecond)
		response, body := c.download(address, nil)
		assert.Equal(t, http.StatusForbidden, response.StatusCode)
		assert.Contains(t, string(body), `"Forbidden"`)
		assert.Equal(t, http.StatusOK, status(c.firstURLs(2)[1]))

		c = start(t, withSeed(albums()), withURLTTL(-time.Second))
		assert.Equal(t, http.StatusForbidden, status(c.firstURLs(2)[1]))
	})
}
