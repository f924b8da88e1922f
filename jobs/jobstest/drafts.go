package jobstest

import "fmt"

// CommitDraft commits an open draft, as somebody at the website would: its
// branch moves to a new commit that holds what the draft held. The dataset is
// told by its name or its id. The error says what does not exist, or that the
// draft is not open.
func (s *Server) CommitDraft(dataset string, number int64) error {
	now := s.lock()
	defer s.unlock()
	ds, d, err := s.store.findDraft(dataset, number)
	if err == nil {
		err = ds.commitDraft(d, now)
	}
	return wrap(err)
}

// CloseDraft closes an open draft. The dataset is told by its name or its id.
// The error says what does not exist, or that the draft is not open.
func (s *Server) CloseDraft(dataset string, number int64) error {
	now := s.lock()
	defer s.unlock()
	_, d, err := s.store.findDraft(dataset, number)
	if err == nil {
		err = d.close(now)
	}
	return wrap(err)
}

// DeleteDraft makes a draft vanish, whatever its status: it is in no list and
// cannot be read any more, and its number is not given again. The dataset is
// told by its name or its id. The error says what does not exist.
func (s *Server) DeleteDraft(dataset string, number int64) error {
	s.lock()
	defer s.unlock()
	ds, d, err := s.store.findDraft(dataset, number)
	if err == nil {
		ds.deleteDraft(d)
	}
	return wrap(err)
}

func (st *store) findDraft(nameOrID string, number int64) (*dataset, *draft, error) {
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

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("jobstest: %s", asAPIError(err).message)
}
