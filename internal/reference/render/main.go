// Command render prints the reference of the API as HTML.
package main

import (
	"log"
	"os"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/reference"
)

func main() {
	document, err := contract.Load()
	if err != nil {
		log.Fatal(err)
	}
	page, err := reference.Page(document)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(page); err != nil {
		log.Fatal(err)
	}
}
