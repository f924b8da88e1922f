package jobstest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
)

// maxSeedSize bounds the text of a seed and, so that a few aliases cannot
// stand for a memory full of values, what it expands to.
const maxSeedSize = 64 << 20

// maxSeedProblems is how many problems an error lists at most.
const maxSeedProblems = 10

// ParseSeed reads a seed from YAML. It is strict: what the schema does not
// describe is refused, and so is a reference to what the seed does not hold.
// The error names the line, the place in the document and the reason of up to
// ten problems, one on a line. The seed does not share memory with data.
func ParseSeed(data []byte) (Seed, error) {
	doc, err := parseSeedTree(data)
	if err != nil {
		return Seed{}, err
	}
	problems, err := validateSeed(doc)
	if err != nil {
		return Seed{}, err
	}
	if len(problems) > 0 {
		return Seed{}, joinSeedErrors(problems)
	}
	b := seedBuilder{}
	seed := b.seed(seedAt{node: doc})
	if len(b.problems) > 0 {
		return Seed{}, joinSeedErrors(b.problems)
	}
	return seed, nil
}

// defaultSeed is the seed that the module carries. Callers share it and must
// not change it.
var defaultSeed = sync.OnceValues(func() (Seed, error) {
	return ParseSeed([]byte(tensorbayjobs.Seed()))
})

// A seedError is a reason to refuse a seed. A line of 0 is not known.
type seedError struct {
	line   int
	path   string
	reason string
}

func (p seedError) Error() string {
	text := "seed: "
	if p.line > 0 {
		text += fmt.Sprintf("line %d: ", p.line)
	}
	if p.path != "" {
		text += p.path + ": "
	}
	return text + p.reason
}

// joinSeedErrors orders the problems by where they stand, because the
// validator finds them in no order.
func joinSeedErrors(problems []seedError) error {
	slices.SortFunc(problems, func(a, b seedError) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.path, b.path), cmp.Compare(a.reason, b.reason))
	})
	problems = slices.Compact(problems)
	var errs []error
	for i, p := range problems {
		if i == maxSeedProblems {
			errs = append(errs, fmt.Errorf("seed: and %d more problems", len(problems)-i))
			break
		}
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}
