import Formats

extension RunConfiguration {
    /// The cache that hub ids are looked up in.
    package var hubCache: HubCache { HubCache(fetchCommand: fetchCommand) }
}
