module github.com/graviti-ai/tensorbay-jobs-go/interop/regenerate

go 1.25.0
