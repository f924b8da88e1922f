module github.com/graviti-ai/tensorbay-jobs-go

go 1.25.0
