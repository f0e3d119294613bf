
mod sops_interop;
