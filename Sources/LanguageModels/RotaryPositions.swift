import Glibc
import Kernels
import Synchronization
import Tensors

/// Tables of cosines and sines, made once for as many positions as were ever asked for.
final class RotaryPositions: Sendable {
    /// Base and extent.
    private let settings: RotarySettings
    /// The longest table made so far.
    private let table: Mutex<RotaryTable>

    /// Starts with a table of no positions.
    init(_ settings: RotarySettings) {
        self.settings = settings
        table = Mutex(Self.table(settings, positions: 0))
    }

    /// A table of at least `positions` rows; a row does not depend on how many there are.
    func table(positions: Int) -> RotaryTable {
        table.withLock { table in
            if table.cosines.rows < positions {
                let rows = max(positions, min(2 * table.cosines.rows, 1 << 16))
                table = Self.table(settings, positions: rows)
            }
            return table
        }
    }

    /// `cos` and `sin` of `position · frequency`, in `Float` throughout as transformers computes
    /// them.
    private static func table(_ settings: RotarySettings, positions: Int) -> RotaryTable {
        let half = settings.rotarySize / 2
        let frequencies = settings.frequencies
        let cosines = Tensor(uninitialized: [positions, half])
        let sines = Tensor(uninitialized: [positions, half])
        for position in 0..<positions {
            for index in 0..<half {
                let angle = Float(position) * frequencies[index]
                cosines.floats[position * half + index] = cosf(angle)
                sines.floats[position * half + index] = sinf(angle)
            }
        }
        return RotaryTable(
            rotarySize: settings.rotarySize, headSize: settings.headSize, cosines: cosines,
            sines: sines)
    }
}
