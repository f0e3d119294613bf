mod sops_interop;
