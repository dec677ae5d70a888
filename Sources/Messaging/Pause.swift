import Glibc

/// Sleeps between two looks at something, longer each time: 50 µs at first, 1 ms at most.
///
/// A rank that blocks inside MPI spins and takes a whole core from the ranks that compute; one
/// that sleeps between looks takes almost nothing.
public struct Pause: Sendable {
    /// Length of the next sleep.
    private var microseconds: UInt32 = 50

    /// A pause that begins short.
    public init() {}

    /// Sleeps for the shortest time.
    public static func once() { usleep(50) }

    /// Sleeps once and makes the next sleep half as long again.
    public mutating func sleep() {
        usleep(microseconds)
        microseconds = min(microseconds + microseconds / 2, 1000)
    }
}
