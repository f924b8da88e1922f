package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// A profile is a named access key and address in the configuration file.
type profile struct {
	AccessKey     string `yaml:"accessKey"`
	AccessKeyFile string `yaml:"accessKeyFile"`
	URL           string `yaml:"url"`
}

// configFile returns the path of the configuration file.
func configFile() string {
	if path := os.Getenv("TENSORBAY_CONFIG"); path != "" {
		return path
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		dir = "."
	}
	return filepath.Join(dir, "tensorbay-jobs", "config.yaml")
}

// client returns a client with the access key and the address of the command line.
func (a *app) client() (*jobs.Client, error) {
	p := profile{URL: os.Getenv("TENSORBAY_URL")}
	if a.profile != "" {
		var err error
		if p, err = readProfile(configFile(), a.profile); err != nil {
			return nil, err
		}
	}
	if a.keyFile != "" {
		p.AccessKey, p.AccessKeyFile = "", a.keyFile
	}
	if p.AccessKey == "" && p.AccessKeyFile != "" {
		var err error
		if p.AccessKey, err = a.readSecret(p.AccessKeyFile); err != nil {
			return nil, usage("access key file: %w", err)
		}
	} else if p.AccessKey == "" {
		p.AccessKey = os.Getenv("TENSORBAY_ACCESS_KEY")
	}
	if p.AccessKey == "" {
		return nil, errNoAccessKey
	}
	var options []jobs.Option
	if p.URL != "" {
		options = append(options, jobs.WithBaseURL(p.URL))
	}
	if a.debug {
		options = append(options, jobs.WithLogger(slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	return jobs.NewClient(p.AccessKey, options...)
}

// readProfile reads a profile of the configuration file.
func readProfile(path, name string) (profile, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return profile{}, usage("--profile %s: there is no file %s: see tensorbay-jobs --help", name, path)
	} else if err != nil {
		return profile{}, usage("--profile %s: %w", name, err)
	}
	var config struct {
		Profiles map[string]profile `yaml:"profiles"`
	}
	if err := yaml.Load(text, &config, yaml.WithKnownFields()); err != nil {
		return profile{}, usage("--profile %s: invalid file %s", name, path) // the error may show the key
	}
	p, ok := config.Profiles[name]
	if !ok {
		return profile{}, usage("--profile %s: %s has only the profiles %s", name, path,
			strings.Join(slices.Sorted(maps.Keys(config.Profiles)), ", "))
	}
	return p, nil
}

// readSecret reads a file, without the white space and the byte order mark around its text.
// It warns if other users can read the file.
func (a *app) readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0 {
		fmt.Fprintf(a.err, "warning: all users can read %s: run chmod 600 %s\n", path, path)
	}
	text, err := os.ReadFile(path)
	return strings.Trim(string(text), "\ufeff \t\r\n"), err
}

// dataset returns a dataset by its name, or by its id.
func (a *app) dataset(ctx context.Context, name string) (*jobs.Dataset, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	ds, err := client.Dataset(ctx, name)
	if !errors.Is(err, jobs.ErrNotFound) {
		return ds, err
	}
	byID, invalid := client.DatasetByID(name)
	if invalid != nil {
		return nil, err
	}
	if _, infoErr := byID.Info(ctx); !errors.Is(infoErr, jobs.ErrNotFound) {
		return byID, infoErr
	}
	return nil, err
}

// withDatasets makes the shell propose the names of datasets for the first argument.
func (a *app) withDatasets(c *cobra.Command) *cobra.Command {
	c.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		client, err := a.client()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
		defer cancel()
		var names []string
		for ds, err := range client.Datasets(ctx, "") {
			if err != nil {
				break
			}
			names = append(names, ds.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

func (a *app) datasetsCommand() *cobra.Command {
	return a.withDatasets(&cobra.Command{
		Use:   "datasets [NAME]",
		Short: "List the datasets",
		Args:  arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			l := a.list("NAME", "KIND", "ID")
			l.empty = "There are no datasets."
			if len(args) > 0 {
				l.empty = fmt.Sprintf("No dataset is named %q.", args[0])
			}
			for ds, err := range client.Datasets(cmd.Context(), strings.Join(args, "")) {
				if err != nil {
					return err
				}
				kind := "plain"
				if ds.Fusion {
					kind = "fusion"
				}
				v := struct {
					Name   string `json:"name"`
					ID     string `json:"id"`
					Fusion bool   `json:"fusion"`
				}{ds.Name, ds.ID, ds.Fusion}
				if err := l.add(v, ds.Name, kind, ds.ID); err != nil {
					return err
				}
			}
			return l.close()
		},
	})
}
