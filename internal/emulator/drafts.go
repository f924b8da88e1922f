package emulator

import "errors"

// CommitDraft commits an open draft and moves its branch to the new commit. The
// dataset is named by its name or id.
func (e *Emulator) CommitDraft(dataset string, number int64) error {
	now := e.lock()
	defer e.unlock()
	ds, d, err := e.store.draft(dataset, number)
	if err == nil {
		_, err = ds.commitDraft(d, d.title, d.description, now)
	}
	return messageOf(err)
}

// CloseDraft closes an open draft.
func (e *Emulator) CloseDraft(dataset string, number int64) error {
	now := e.lock()
	defer e.unlock()
	_, d, err := e.store.draft(dataset, number)
	if err == nil {
		err = d.close(now)
	}
	return messageOf(err)
}

// DeleteDraft deletes a draft. Its number is not used again.
func (e *Emulator) DeleteDraft(dataset string, number int64) error {
	e.lock()
	defer e.unlock()
	ds, d, err := e.store.draft(dataset, number)
	if err == nil {
		ds.deleteDraft(d)
	}
	return messageOf(err)
}

func (st *store) draft(nameOrID string, number int64) (*dataset, *draft, error) {
	ds := st.datasetNamed(nameOrID)
	if ds == nil {
		var err error
		if ds, err = st.dataset(nameOrID); err != nil {
			return nil, nil, err
		}
	}
	d, err := ds.draft(number)
	return ds, d, err
}

// messageOf returns err without its code.
func messageOf(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(asAPIError(err).message)
}
